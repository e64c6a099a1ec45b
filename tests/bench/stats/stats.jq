# What `stats --only battery_stats --every 10000d` says of each device, without the rates of the temperatures and the cycles:
# `jq -n -c -f stats.jq`. With --arg pass 1 the readings pass, too.
def seconds: (.[0:19] + "Z" | fromdateiso8601) + (.[19:23] | tonumber);
def high($key; $value; $at): if $value != null and $value > (.[$key] // 0) then .[$key] = $value | .[$key + "_at"] = $at else . end;
def low($key; $value; $at): if $value != null and $value < (.[$key] // 0) then .[$key] = $value | .[$key + "_at"] = $at else . end;
def least($key; $value): if $value != null then .[$key] = ([.[$key] // $value, $value] | min) else . end;
def most($key; $value): if $value != null then .[$key] = ([.[$key] // $value, $value] | max) else . end;
def recent($key; $value): if $value != null then .[$key] = ((.[$key] // []) + [$value])[-10:] else . end;
# The area under the line from $a to $b, positive and negative.
def area($plus; $minus; $a; $b; $hours):
  if $a >= 0 and $b >= 0 then .[$plus] += ($a + $b) / 2 * $hours
  elif $a <= 0 and $b <= 0 then .[$minus] += -($a + $b) / 2 * $hours
  else ($a / ($a - $b)) as $cross
    | ([$a / 2 * $cross, $b / 2 * (1 - $cross)] | sort) as [$out, $in]
    | .[$plus] += $in * $hours | .[$minus] += -$out * $hours end;
def take($r):
  ($r.time | seconds) as $t
  | if $t <= (.t // 0) then . else
    (if .t != null and $t - .t <= 300 then (($t - .t) / 3600) as $h
       | area("charged_ah"; "discharged_ah"; .current; $r.current; $h)
       | area("charged_wh"; "discharged_wh"; .power; $r.power; $h) else . end)
    | .t = $t | .current = $r.current | .power = $r.power | .nominal = $r.nominal_ah
    | .count += 1 | .since = (.since // $r.time) | .time = $r.time | .cell_delta = $r.cell_delta
    | high("peak_charge_current"; $r.current; $r.time) | low("peak_discharge_current"; $r.current; $r.time)
    | high("peak_charge_power"; $r.power; $r.time) | low("peak_discharge_power"; $r.power; $r.time)
    | high("cell_delta_max"; $r.cell_delta; $r.time)
    | least("voltage_min"; $r.voltage) | most("voltage_max"; $r.voltage)
    | least("soc_min"; $r.state_of_charge) | most("soc_max"; $r.state_of_charge)
    | recent("voltages"; $r.voltage) | recent("currents"; $r.current)
    | recent("powers"; $r.power) | recent("temperatures"; $r.temperature) end;
def mean: add / length;
def report($id):
  { device_id: $id, count, since, time, cell_delta,
    peak_current: ([.peak_charge_current // 0, -(.peak_discharge_current // 0)] | max),
    peak_power: ([.peak_charge_power // 0, -(.peak_discharge_power // 0)] | max),
    peak_charge_current, peak_charge_current_at, peak_discharge_current, peak_discharge_current_at,
    peak_charge_power, peak_charge_power_at, peak_discharge_power, peak_discharge_power_at,
    cell_delta_max, cell_delta_max_at, voltage_min, voltage_max, soc_min, soc_max,
    voltage_avg: (.voltages | mean), current_avg: (.currents | mean), power_avg: (.powers | mean),
    temperature_avg: (.temperatures | mean),
    charged_ah, discharged_ah, charged_wh, discharged_wh, equivalent_cycles: (.discharged_ah / .nominal) };
def all: to_entries[] | .key as $id | .value | report($id);
if $pass == "1"
then foreach (inputs, null) as $r ({}; if $r == null then . else .[$r.device_id] |= take($r) end; if $r == null then all else $r end)
else reduce inputs as $r ({}; .[$r.device_id] |= take($r)) | all end
