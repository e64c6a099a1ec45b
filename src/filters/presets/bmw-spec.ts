/**
 * The mapping of the original specification, word for word. It takes the charge target for the state of charge, so that it shows
 * how full the car is to become, not how full it is; `normalize` says so. Use `bmw`.
 */
export const bmwSpec = {
  soc: ['vehicle.powertrain.electric.battery.stateOfCharge.target'],
  is_charging: ['vehicle.drivetrain.electricEngine.charging.status'],
  lat: ['location.latitude'],
  lon: ['location.longitude'],
  speed: ['vehicle.speed'],
};
