/** Why a link is over although nobody closed it. */
export interface LinkFailure {
  /**
   * `unplugged`: the adapter or port went away; `closed`: the far side hung up or the device disconnected; `silent`: the link's own
   * time-out; `refused`: the far side or the system said no; `unsuited`: it is another kind of device; `failed`: anything else.
   */
  kind: 'unplugged' | 'closed' | 'silent' | 'refused' | 'unsuited' | 'failed';
  /** For a message, a phrase without full stop: `the port is gone, it was unplugged`. */
  reason: string;
}

/**
 * Bytes to and from one device: a serial port, a TCP serial server, a Bluetooth characteristic pair. What is in the bytes is none of
 * its business.
 */
export interface Link {
  /** For messages: `/dev/serial/by-id/usb-FTDI…`, `tcp://host:4001`, `A4:C1:37:00:5E:07`. */
  readonly name: string;
  /**
   * Resolves when the bytes are out (written and drained, or acknowledged by the radio); rejects with a {@link LinkError}.
   * `secret`: whoever shows what passes must not show these.
   */
  send(bytes: Uint8Array, secret?: boolean): Promise<void>;
  /** Calls `fn` with each serial read or notification, in order. One listener; a new one takes the place of the old. */
  onData(fn: (bytes: Buffer) => void): void;
  /** Ends it; resolves when port or adapter are free again. Never rejects. */
  close(): Promise<void>;
  /** Resolves once, when the link is over: to the failure, or to undefined after {@link close}. Never rejects. */
  readonly closed: Promise<LinkFailure | undefined>;
}

/** A link that can't be used any longer. */
export class LinkError extends Error {
  readonly failure: LinkFailure;

  constructor(failure: LinkFailure) {
    super(failure.reason);
    this.name = 'LinkError';
    this.failure = failure;
  }
}
