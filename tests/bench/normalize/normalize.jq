# What `normalize --no-merge` does with the lines of generate.mjs, in jq: the same fields, units, words, ranges and order of
# preference, nothing remembered. Run with `jq -c -f normalize.jq`; jq 1.6 and gojq take it alike.
select(.type == "bmw_telematics")
| . as $record
| .data as $d
| def number($key):
    $d[$key].value
    | if type == "number" then . elif type == "string" then (tonumber? // null) else null end;
  def within($low; $high): if . != null and . >= $low and . <= $high then . else null end;
  def truth($key):
    $d[$key].value
    | if type == "boolean" then .
      elif . == "ASN_isTrue" or . == "true" then true
      elif . == "ASN_isFalse" or . == "false" then false
      else null end;
  def first_of($a; $b): if $a != null then $a else $b end;
  ( $d["vehicle.drivetrain.electricEngine.charging.status"].value
    | if . == "CHARGINGACTIVE" then true
      elif . == "NOCHARGING" or . == "INITIALIZATION" or . == "CHARGINGPAUSED" or . == "CHARGINGENDED" then false
      else null end ) as $charging
| ( $d["vehicle.body.chargingPort.status"].value
    | if . == "CONNECTED" then true
      elif . == "DISCONNECTED" then false
      else $d["vehicle.drivetrain.electricEngine.charging.status"].value
        | if . != null and . != "NOCHARGING" then true else null end
      end ) as $plugged
| truth("vehicle.isMoving") as $moving
| ( if $charging == true or $plugged == true then true elif $moving == true then false else null end ) as $parked
| ( if $charging == false then 0
    else number("vehicle.powertrain.electric.battery.charging.power")
      | if . == null then null
        else . / (if $d["vehicle.powertrain.electric.battery.charging.power"].unit == "kW" then 1 else 1000 end)
        end
      | within(0; 1000)
    end ) as $charging_power
| number("vehicle.cabin.infotainment.navigation.currentLocation.latitude") as $lat
| number("vehicle.cabin.infotainment.navigation.currentLocation.longitude") as $lon
| {
    soc: first_of(
      number("vehicle.drivetrain.batteryManagement.header") | within(0; 100);
      number("vehicle.powertrain.electric.battery.stateOfCharge.displayed") | within(0; 100)),
    soc_predicted: (number("vehicle.drivetrain.electricEngine.charging.level") | within(0; 100)),
    target_soc: (number("vehicle.powertrain.electric.battery.stateOfCharge.target") | within(0; 100)),
    is_charging: $charging,
    is_plugged_in: $plugged,
    is_parked: $parked,
    is_moving: $moving,
    power: (
      if $charging == true then ($charging_power | if . == null then null else -. end)
      elif $charging == false and $parked == true then 0
      else null end),
    charging_power: $charging_power,
    remaining_charge_time: (
      if $charging == false then null
      else number("vehicle.drivetrain.electricEngine.charging.timeRemaining") | within(0; 100000) end),
    speed: (if $moving == false then 0 else null end),
    lat: (if $lon == null then null else $lat | within(-90; 90) end),
    lon: (if $lat == null then null else $lon | within(-180; 180) end),
    heading: (
      if $parked == true then null
      else number("vehicle.cabin.infotainment.navigation.currentLocation.heading") | within(0; 360) end),
    est_battery_range: (
      number("vehicle.drivetrain.electricEngine.kombiRemainingElectricRange")
      | if . == null then null
        else . * (if $d["vehicle.drivetrain.electricEngine.kombiRemainingElectricRange"].unit == "mi" then 1.609344 else 1 end)
        end
      | within(0; 2000)),
    capacity: (number("vehicle.drivetrain.batteryManagement.maxEnergy") | within(0.1; 2000)),
    tire_pressure_fl: (number("vehicle.chassis.axle.row1.wheel.left.tire.pressure") | within(0; 1500)),
    tire_pressure_fr: (number("vehicle.chassis.axle.row1.wheel.right.tire.pressure") | within(0; 1500)),
    tire_pressure_rl: (number("vehicle.chassis.axle.row2.wheel.left.tire.pressure") | within(0; 1500)),
    tire_pressure_rr: (number("vehicle.chassis.axle.row2.wheel.right.tire.pressure") | within(0; 1500)),
    aux_battery_voltage: (number("vehicle.electricalSystem.battery.voltage") | within(0; 100))
  }
| with_entries(select(.value != null))
| select(length > 0)
| . as $fields
| ([$d[].timestamp] | max) as $stamp
| {
    type: "vehicle_telemetry",
    time: ($stamp[0:19] + (if ($stamp | length) > 20 then $stamp[19:24] else ".000Z" end)),
    vin: $record.vin,
    utc: (($stamp[0:19] + "Z" | fromdateiso8601)
      + (if ($stamp | length) > 20 then ($stamp[20:23] | tonumber) / 1000 else 0 end))
  }
+ $fields
+ (if $fields | has("soc") then { soc_age_s: 0 } else {} end)
