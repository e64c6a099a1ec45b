import { faultForm, type HttpFault } from '../http-faults.ts';

/** What a fault can hit: a write, or the making of a database or bucket. */
type FaultTarget = 'write' | 'create';

/** What the simulator does wrong on request, with one request or several; an answer has a body in the server's own form. */
export interface InfluxFault extends HttpFault {
  /** What it hits (default `write`); the making of a database knows `message` alone of what follows. */
  on?: FaultTarget;
  /** The message in it. */
  message?: string;
  /** Rejects every line with this text in it. */
  reject?: string;
  /** Answers 413 to a body of more bytes. */
  tooLarge?: number;
}

/** Reads `status=503,retryAfter=5,times=3`, `reject=device_id=X`, `on=create,status=500`. */
export const influxFaults = faultForm<InfluxFault>({
  numbers: ['tooLarge'],
  texts: ['message', 'reject'],
  choices: { on: ['write', 'create'] },
});

/** Whether it hits requests of this kind. */
export const hits =
  (target: FaultTarget) =>
  ({ on = 'write' }: InfluxFault): boolean =>
    on === target;
