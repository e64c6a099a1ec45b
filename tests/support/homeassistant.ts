/*
 * The rules by which Home Assistant's MQTT integration takes a device discovery message, written down from its documentation
 * (MQTT discovery, sensor, binary sensor, device tracker, number, button, switch). What it would drop silently is a fault here.
 */

const shared = ['availability', 'availability_mode', 'qos', 'encoding', 'state_topic', 'command_topic'];
const root = ['device', 'origin', 'components', ...shared];
const device = [
  'identifiers',
  'connections',
  'name',
  'manufacturer',
  'model',
  'model_id',
  'sw_version',
  'hw_version',
  'serial_number',
  'suggested_area',
  'configuration_url',
  'via_device',
];
const origin = ['name', 'sw_version', 'support_url'];
const entity = [
  'platform',
  'unique_id',
  'default_entity_id',
  'object_id',
  'name',
  'icon',
  'entity_category',
  'enabled_by_default',
  'device_class',
  'json_attributes_topic',
  'json_attributes_template',
  ...shared,
];
const platforms: Record<string, readonly string[]> = {
  sensor: [
    'value_template',
    'expire_after',
    'force_update',
    'options',
    'state_class',
    'suggested_display_precision',
    'unit_of_measurement',
    'last_reset_value_template',
  ],
  binary_sensor: ['value_template', 'expire_after', 'force_update', 'off_delay', 'payload_on', 'payload_off'],
  device_tracker: ['value_template', 'source_type', 'payload_home', 'payload_not_home', 'payload_reset'],
  number: [
    'command_template',
    'value_template',
    'min',
    'max',
    'step',
    'mode',
    'unit_of_measurement',
    'optimistic',
    'retain',
  ],
  button: ['command_template', 'payload_press', 'retain'],
  switch: [
    'command_template',
    'value_template',
    'payload_on',
    'payload_off',
    'state_on',
    'state_off',
    'optimistic',
    'retain',
  ],
};

/** Device class of a sensor → the units that it may have; null: none. */
const sensorUnits: Record<string, readonly (string | null)[]> = {
  voltage: ['V', 'mV'],
  current: ['A', 'mA'],
  power: ['W', 'kW'],
  energy: ['Wh', 'kWh', 'MWh'],
  energy_storage: ['Wh', 'kWh', 'MWh'],
  battery: ['%'],
  temperature: ['°C', '°F', 'K'],
  duration: ['s', 'min', 'h', 'd'],
  distance: ['m', 'km', 'mi'],
  speed: ['m/s', 'km/h', 'mph'],
  pressure: ['kPa', 'bar', 'psi', 'hPa'],
  signal_strength: ['dB', 'dBm'],
  timestamp: [null],
  enum: [null],
};
const binaryClasses = ['battery_charging', 'connectivity', 'moving', 'plug', 'problem', 'running', 'battery'];

type Json = Record<string, unknown>;
const unknownKeys = (where: string, object: Json, known: readonly string[]): string[] =>
  Object.keys(object)
    .filter((key) => !known.includes(key))
    .map((key) => `${where}: unknown key ${key}`);

/** What is wrong with a discovery message; empty: Home Assistant takes it whole. */
export function discoveryFaults(topic: string, payload: Json): string[] {
  const faults: string[] = [];
  if (!/^[^+#]+\/device\/[A-Za-z0-9_-]+\/config$/.test(topic)) faults.push(`topic ${topic}`);
  faults.push(...unknownKeys('message', payload, root));
  const about = (payload['device'] ?? {}) as Json;
  faults.push(...unknownKeys('device', about, device));
  if (!about['identifiers'] && !about['connections']) faults.push('device: neither identifiers nor connections');
  const from = (payload['origin'] ?? {}) as Json;
  faults.push(...unknownKeys('origin', from, origin));
  if (typeof from['name'] !== 'string') faults.push('origin: no name');
  const components = (payload['components'] ?? {}) as Record<string, Json>;
  if (Object.keys(components).length === 0) faults.push('no components');
  const ids = new Set<unknown>();
  for (const [name, component] of Object.entries(components)) {
    // The platform alone takes an entity out.
    if (Object.keys(component).join() === 'platform' && String(component['platform']) in platforms) continue;
    const { unique_id: id } = component;
    if (ids.has(id)) faults.push(`${name}: unique_id twice`);
    ids.add(id);
    faults.push(...componentFaults(name, { ...pick(payload, shared), ...component }));
  }
  return faults;
}

const pick = (object: Json, keys: readonly string[]): Json =>
  Object.fromEntries(Object.entries(object).filter(([key]) => keys.includes(key)));

function componentFaults(name: string, component: Json): string[] {
  const platform = String(component['platform']);
  const own = platforms[platform];
  if (!own) return [`${name}: platform ${platform}`];
  const faults = unknownKeys(name, component, [...entity, ...own]);
  const fault = (text: string): void => void faults.push(`${name}: ${text}`);
  const { device_class: kind, state_class: state, unit_of_measurement: unit, entity_category: category } = component;
  if (typeof component['unique_id'] !== 'string') fault('no unique_id');
  if (category !== undefined && category !== 'diagnostic' && category !== 'config') fault(`category ${category}`);
  for (const one of (component['availability'] ?? []) as Json[]) {
    if (typeof one['topic'] !== 'string') fault('availability without topic');
  }
  const templates = Object.entries(component).filter(([key]) => key.endsWith('_template'));
  for (const [key, text] of templates) {
    if ((String(text).match(/\{[{%]/g)?.length ?? 0) !== (String(text).match(/[%}]\}(?!\})/g)?.length ?? 0)) fault(key);
  }
  const needsState = ['sensor', 'binary_sensor'].includes(platform);
  if (needsState && typeof component['state_topic'] !== 'string') fault('no state_topic');
  if (needsState && category === 'config') fault('config is no category of what can only be read');
  if (component['expire_after'] !== undefined && !Number.isInteger(component['expire_after'])) fault('expire_after');
  if (platform === 'sensor') {
    if (kind !== undefined && !(String(kind) in sensorUnits)) fault(`class ${kind}`);
    const units = sensorUnits[String(kind)];
    if (units && !units.includes((unit as string) ?? null)) fault(`class ${kind} in ${unit}`);
    if (kind === 'energy' && !['total', 'total_increasing'].includes(String(state))) fault(`energy as ${state}`);
    if (kind === 'energy_storage' && state !== 'measurement') fault(`energy_storage as ${state}`);
    if (kind === 'enum' && (state !== undefined || !Array.isArray(component['options']))) fault('enum');
    if (kind === 'timestamp' && state !== undefined) fault('timestamp with a state class');
    if (component['suggested_display_precision'] !== undefined && state === undefined)
      fault('precision of what is no number');
  }
  if (platform === 'binary_sensor' && kind !== undefined && !binaryClasses.includes(String(kind)))
    fault(`class ${kind}`);
  if (platform === 'device_tracker' && !component['json_attributes_topic'] && !component['state_topic'])
    fault('no topic');
  // It would take the whole JSON for the name of a place.
  if (platform === 'device_tracker' && component['state_topic'] && !component['value_template'])
    fault('state of a tracker');
  return faults;
}
