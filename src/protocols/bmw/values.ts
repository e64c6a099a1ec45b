/**
 * How BMW writes values: what stands for "unknown", how yes and no are spelt, and what the words of its enumerations mean.
 *
 * Sources: BMW's telematic catalogue and logs that users published; where the catalogue and the logs differ (the list of
 * `charging.status` in the catalogue is that of another key), the logs decide.
 */

/** Words in the place of a value that mean "not known", in upper case. None of them may become false or 0. */
export const sentinels: ReadonlySet<string> = new Set([
  '',
  'INVALID',
  '-NA-',
  'NA',
  'N/A',
  'NULL',
  'UNKNOWN',
  'ASN_ISUNKNOWN',
  'NOT_AVAILABLE',
]);

/** The spellings of yes and no, in upper case. */
export const booleanWords: ReadonlyMap<string, boolean> = new Map([
  ['TRUE', true],
  ['FALSE', false],
  ['ASN_ISTRUE', true],
  ['ASN_ISFALSE', false],
  ['OPEN', true],
  ['CLOSED', false],
]);

/** What the words of an enumeration mean, in upper case; `*` in a word stands for any characters. */
export type ValueMap = Readonly<Record<string, string | number | boolean | null>>;

const chargingStatus: ValueMap = {
  CHARGINGACTIVE: true,
  CHARGING_ACTIVE: true,
  CHARGING: true,
  NOCHARGING: false,
  INITIALIZATION: false,
  CHARGINGPAUSED: false,
  CHARGINGENDED: false,
  CHARGINGERROR: false,
};

const hvStatus: ValueMap = {
  CHARGING: true,
  NOT_CHARGING: false,
  WAITING_FOR_CHARGING: false,
  FINISHED_FULLY_CHARGED: false,
  FINISHED_NOT_FULL: false,
  ERROR: false,
};

const plug: ValueMap = { CONNECTED: true, DISCONNECTED: false };

const comfortState: ValueMap = { NOT_ACTIVE: false, 'COMFORT_*': true, DEFROST: true, COMFORT_UNDEFINED: null };

const preconditioning: ValueMap = {
  STANDBY: false,
  INACTIVE: false,
  HEATING: true,
  COOLING: true,
  VENTILATION: true,
};

/**
 * The meaning that a key's words have for a field of yes and no, so that a mapping that names the key alone does what was meant:
 * `is_charging: [vehicle.drivetrain.electricEngine.charging.status]`.
 */
export const enumerations: Readonly<Record<string, ValueMap>> = {
  'vehicle.drivetrain.electricEngine.charging.status': chargingStatus,
  'vehicle.drivetrain.electricEngine.charging.hvStatus': hvStatus,
  'vehicle.body.chargingPort.status': plug,
  'vehicle.body.chargingPort.combinedStatus': plug,
  'vehicle.body.chargingPort.dcStatus': plug,
  'vehicle.body.chargingPort.statusClearText': plug,
  'vehicle.body.chargingPort.connectorStatus': plug,
  'vehicle.cabin.hvac.preconditioning.status.comfortState': comfortState,
  'vehicle.vehicle.preConditioning.activity': preconditioning,
};

/** Extrapolated by BMW's servers, not measured. It may feed `soc_predicted`, never `soc`. */
export const predictedCharge = 'vehicle.drivetrain.electricEngine.charging.level';

/** Keys that say at which charge the charging is to end; as state of charge they would be a constant. */
export const isTarget = (path: string): boolean => /\.target\b/i.test(path) || /\['target'\]/i.test(path);
