/** The spellings of "is being charged" in `charging.status`. */
const charging = ['CHARGINGACTIVE', 'CHARGING_ACTIVE', 'CHARGING'];

/**
 * BMW CarData → `vehicle_telemetry`: the default mapping, in the form of a mapping file.
 *
 * Names and values of the keys: BMW's telematic catalogue, corrected by what cars were seen to send. What CarData does not have is
 * not made up: no driving power, no present speed (only averages), no outside temperature, no gear.
 */
export const bmw = {
  soc: [
    'vehicle.drivetrain.batteryManagement.header',
    'vehicle.powertrain.electric.battery.stateOfCharge.displayed',
    'vehicle.trip.segment.end.drivetrain.batteryManagement.hvSoc',
  ],
  soc_predicted: ['vehicle.drivetrain.electricEngine.charging.level'],
  target_soc: ['vehicle.powertrain.electric.battery.stateOfCharge.target'],

  // In REST answers hvStatus bears the time of the request, so it always looks newer than it is.
  is_charging: {
    paths: ['vehicle.drivetrain.electricEngine.charging.status', 'vehicle.drivetrain.electricEngine.charging.hvStatus'],
    hold: '12h',
    maxAge: '24h',
  },
  is_plugged_in: {
    paths: [
      'vehicle.body.chargingPort.status',
      'vehicle.powertrain.tractionBattery.charging.port.anyPosition.isPlugged',
      'vehicle.body.chargingPort.combinedStatus',
      'vehicle.body.chargingPort.statusClearText',
      'vehicle.body.chargingPort.connectorStatus',
      { value: true, when: { _charging_status: [...charging, 'INITIALIZATION', 'CHARGINGPAUSED', 'CHARGINGENDED'] } },
    ],
  },
  _charging_status: {
    paths: [{ path: 'vehicle.drivetrain.electricEngine.charging.status', values: {} }],
    maxAge: '24h',
  },

  charging_power: {
    paths: [
      {
        path: 'vehicle.powertrain.electric.battery.charging.power',
        unit: 'W',
        when: { is_charging: { not: false } },
      },
      { product: ['_ac_voltage', '_ac_current', '_ac_phases'], unit: 'W', when: { is_charging: true } },
      { value: 0, when: { is_charging: false } },
    ],
    hold: '10m',
    maxAge: '30m',
  },
  _ac_voltage: { paths: ['vehicle.drivetrain.electricEngine.charging.acVoltage'], maxAge: '30m' },
  _ac_current: { paths: ['vehicle.drivetrain.electricEngine.charging.acAmpere'], maxAge: '30m' },
  _ac_phases: {
    paths: ['vehicle.drivetrain.electricEngine.charging.phaseNumber'],
    values: { NO_CHARGING: null, '1-PHASES': 1, '2-PHASES': 2, '3-PHASES': 3 },
    min: 1,
    max: 3,
    maxAge: '30m',
  },
  power: {
    paths: [
      { field: 'charging_power', scale: -1, when: { is_charging: true } },
      { value: 0, when: { is_charging: false, is_parked: true } },
    ],
    maxAge: '30m',
  },
  // Alternating current ends at 22 kW.
  is_dcfc: {
    paths: [
      { value: true, when: { is_charging: true, _dc_plug: true } },
      { value: true, when: { is_charging: true, _dc_method: true } },
      { value: true, when: { is_charging: true, charging_power: { above: 22 } } },
      { value: false, when: { is_charging: true, _dc_plug: false } },
      { value: false, when: { is_charging: true, _dc_method: false } },
    ],
    hold: '12h',
  },
  _dc_plug: { paths: ['vehicle.body.chargingPort.dcStatus'], maxAge: '24h' },
  _dc_method: {
    paths: ['vehicle.drivetrain.electricEngine.charging.method'],
    values: { NOCHARGING: null, '*DC*': true, 'AC*': false },
    maxAge: '24h',
  },
  remaining_charge_time: {
    paths: [
      'vehicle.drivetrain.electricEngine.charging.timeRemaining',
      'vehicle.drivetrain.electricEngine.charging.timeToFullyCharged',
    ],
    unit: 'min',
    when: { is_charging: { not: false } },
    maxAge: '2h',
  },

  lat: {
    paths: ['vehicle.cabin.infotainment.navigation.currentLocation.latitude', 'location.latitude'],
    when: { _fix: { not: 'NO_FIX' } },
    maxAge: '1h',
  },
  lon: {
    paths: ['vehicle.cabin.infotainment.navigation.currentLocation.longitude', 'location.longitude'],
    when: { _fix: { not: 'NO_FIX' } },
    maxAge: '1h',
  },
  heading: {
    paths: ['vehicle.cabin.infotainment.navigation.currentLocation.heading'],
    when: { is_parked: { not: true }, _fix: { not: 'NO_FIX' } },
    maxAge: '10m',
  },
  _fix: { paths: ['vehicle.cabin.infotainment.navigation.currentLocation.fixStatus'], maxAge: '1h' },

  is_moving: { paths: ['vehicle.isMoving'], maxAge: '30m' },
  speed: {
    paths: [
      { path: 'vehicle.speed', unit: 'km/h' },
      { value: 0, when: { is_moving: false } },
    ],
    maxAge: '30m',
  },
  // There is no gear: parked follows from the plug, or from standing still with the drive off.
  is_parked: [
    { value: true, when: { is_charging: true } },
    { value: true, when: { is_plugged_in: true } },
    { value: false, when: { is_moving: true } },
    { value: true, when: { is_moving: false, _active: false, _ignition: { not: true } } },
    { value: true, when: { is_moving: false, _ignition: false, _active: { not: true } } },
  ],
  _active: ['vehicle.drivetrain.engine.isActive'],
  _ignition: ['vehicle.drivetrain.engine.isIgnitionOn'],

  odometer: {
    paths: ['vehicle.vehicle.travelledDistance', 'vehicle.trip.segment.end.travelledDistance'],
    odometer: true,
    unit: 'km',
  },
  est_battery_range: {
    paths: [
      'vehicle.drivetrain.electricEngine.kombiRemainingElectricRange',
      'vehicle.drivetrain.electricEngine.remainingElectricRange',
    ],
    unit: 'km',
    hold: '12h',
  },
  capacity: { paths: ['vehicle.drivetrain.batteryManagement.maxEnergy'], unit: 'kWh' },
  soh: ['vehicle.powertrain.electric.battery.stateOfHealth.displayed'],

  tire_pressure_fl: ['vehicle.chassis.axle.row1.wheel.left.tire.pressure'],
  tire_pressure_fr: ['vehicle.chassis.axle.row1.wheel.right.tire.pressure'],
  tire_pressure_rl: ['vehicle.chassis.axle.row2.wheel.left.tire.pressure'],
  tire_pressure_rr: ['vehicle.chassis.axle.row2.wheel.right.tire.pressure'],

  hvac_setpoint: {
    paths: ['vehicle.cabin.hvac.preconditioning.configuration.defaultSettings.targetTemperature'],
    when: { _preconditioning: true },
  },
  _preconditioning: {
    paths: ['vehicle.cabin.hvac.preconditioning.status.comfortState', 'vehicle.vehicle.preConditioning.activity'],
    maxAge: '1h',
  },

  aux_battery_voltage: ['vehicle.electricalSystem.battery.voltage'],
  aux_battery_soc: ['vehicle.electricalSystem.battery.stateOfCharge'],
};
