import { abrpPoint } from './abrp-point.ts';
import { alarm } from './alarm.ts';
import { batteryReading } from './battery-reading.ts';
import { batteryStats } from './battery-stats.ts';
import { bmwChargingSession, bmwDescriptor, bmwLogin, bmwVehicle } from './bmw-account.ts';
import { bmwTelematics } from './bmw-telematics.ts';
import { commandRecord, commandResult } from './commands.ts';
import { bmsRaw, deviceInfo } from './device-info.ts';
import { bleDevice, deviceStatus } from './devices.ts';
import { endpoint } from './endpoint.ts';
import { engineStart } from './engine-start.ts';
import type { RecordFamily } from './family.ts';
import { finding } from './finding.ts';
import { gap } from './gap.ts';
import { influxPoint } from './influx-point.ts';
import { mqttMessage } from './mqtt-message.ts';
import { receipt } from './receipt.ts';
import { registeredDevice, registeredVehicle, setting } from './registry.ts';
import { simulatorEvent } from './simulator-event.ts';
import { spoolStatus } from './spool-status.ts';
import { systemStatus, vehicleSummary } from './summaries.ts';
import { teslaData } from './tesla-data.ts';
import { vehicleTelemetry } from './vehicle-telemetry.ts';
import { wallboxState } from './wallbox-state.ts';

/** Every record family of the toolkit, in the order of voltpipe-records(5), which is generated from it. */
export const vocabulary: readonly RecordFamily[] = [
  vehicleTelemetry,
  bmwTelematics,
  bmwVehicle,
  bmwChargingSession,
  bmwDescriptor,
  bmwLogin,
  teslaData,
  batteryReading,
  batteryStats,
  engineStart,
  deviceInfo,
  bmsRaw,
  wallboxState,
  bleDevice,
  deviceStatus,
  registeredDevice,
  registeredVehicle,
  setting,
  vehicleSummary,
  systemStatus,
  alarm,
  commandRecord,
  commandResult,
  mqttMessage,
  gap,
  spoolStatus,
  receipt,
  abrpPoint,
  influxPoint,
  endpoint,
  simulatorEvent,
  finding,
];
