import type { RecordFamily } from './family.ts';

/** A message that came from a broker or goes to one. */
export const mqttMessage = {
  type: 'mqtt_message',
  summary: 'a message from an MQTT broker or for one',
  keys: [
    { name: 'topic', kind: 'string', summary: 'its topic', required: true },
    {
      name: 'payload',
      kind: 'any',
      summary: 'its content: an object or text; base64 where encoding says so',
      required: true,
    },
    {
      name: 'encoding',
      kind: 'string',
      summary: 'how the payload is written, when it is neither JSON nor text',
      values: ['base64'],
    },
    { name: 'qos', kind: 'integer', summary: 'quality of service', min: 0, max: 2 },
    { name: 'retain', kind: 'boolean', summary: 'the broker keeps it for those who come later' },
  ],
} as const satisfies RecordFamily;
