import { otherRule, topicRules } from '../protocols/mqtt/topics.ts';
import type { ManualSection } from '../runtime/command.ts';

const told = (type: string, { template, qos, retain }: (typeof topicRules)[string]): string =>
  `- ${type}: ${template}, QoS ${qos}${retain ? ', retained' : ''}`;

/** DESCRIPTION of mqtt-pub(1). */
export const description = `Publishes each record as one message: its own JSON line, with the time of its measurement in it. mqtt_message records are published as they say, to any topic.

The broker is that of the home: mqtt.url, or mqtt.broker and mqtt.port. User name and password come from files, the environment or the configuration, never from the command line. MQTT 5 is spoken with every broker that knows it, since only there a broker can say that it refuses a message; with MQTT 3.1.1 many acknowledge what they throw away.

A message counts as delivered when the broker has acknowledged it (QoS 1 and 2) or the network has taken it (QoS 0).`;

/** Further sections of mqtt-pub(1). */
export const sections: readonly ManualSection[] = [
  {
    title: 'TOPICS',
    text: `${Object.entries(topicRules)
      .map(([type, rule]) => told(type, rule))
      .join('\n')}
${told('every other type', otherRule)}

--topic replaces the template of one type, or of all. In braces stands a key of the record, or prefix, instance, type or identity (the first of vin, device_id, vehicle_id, charge_point and source). What is no letter, digit, _, ., : or - becomes _; in the name of an alarm the operators become words: voltage_lt_12.2. The last record of each alarm, raised or cleared, is retained; a template of your own for it needs {alarm}. A record that lacks a key of its template is bad input: skipped, counted, exit status 65 at the end.

With the prefix battery_hawk these are the topics of Battery Hawk. With --split each value is published as plain text below the topic, in a topic of its key's name.`,
  },
  {
    title: 'BIRTH AND LAST WILL',
    text: `{prefix}/{instance}/status is retained JSON, whose status is online from the connection on and offline at the end, also when mqtt-pub dies: then the broker says so. Two pipelines on one broker need two names for --instance, or the end of one makes the other look offline. ha-discovery takes the same name. A system_status record goes to the same topic, with status added. A job of cron, which is over at once, is run with --no-status on both commands. When somebody else says offline on that topic, mqtt-pub says online again: the broker may have taken a connection from before a power cut for alive until then. A broker that keeps no retained messages, or knows QoS 0 alone, gets a last will to suit it; over MQTT 3.1.1, where it just closes the connection, --no-status is the way.

When Home Assistant says online on --birth-topic, and after each outage, all retained messages that were published are published again. A discovery message (a topic that ends in /config) that somebody else has emptied meanwhile, as Home Assistant does when a device is deleted there, is not.`,
  },
  {
    title: 'FAULTS',
    text: `When the broker goes away, mqtt-pub connects again by itself, with waits from 1 s to 60 s, and sends again what was not acknowledged. Behind spool, behind a source that waits for acknowledgements, and when stdin is a file, the records then wait and none is lost. Otherwise the input may be live: up to --buffer messages are kept in order, then the oldest go, which is said and counted, and the exit status at the end is 69. The last retained message of each topic, which says how things stand, is kept beside them, up to 10000 messages or 8 MiB in all.

A login that is refused ends the command with 77; one that had worked is tried three times. A certificate of an unknown authority or for another name ends it with 78, unless the broker had been reached before. A message that the broker refuses is said with its topic, counted and not sent again; the exit status at the end is 77 when it was not authorised, else 76. What is not authorised before the broker has acknowledged anything is kept instead, not given up: its rules may be at fault, and a hundred such messages end the command with 77. A message over which the broker closes the connection five times in a row, at once each time, is given up as refused; connections that end otherwise, by a time-out, a reset or a broker that shuts down, cost no message. After the end of the input the broker is tried for --patience; what is undelivered then is counted, exit status 69.`,
  },
  {
    title: 'METRICS',
    text: `voltpipe_mqtt_connected, voltpipe_mqtt_waiting, and voltpipe_published_total by result: taken, refused, dropped.`,
  },
];
