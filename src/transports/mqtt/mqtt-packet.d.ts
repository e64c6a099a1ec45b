declare module 'mqtt-packet/constants.js' {
  /** Tables that its parser looks at; without type declarations of its own. */
  const constants: {
    /** Reason codes that a PUBACK or PUBREC may have; any other one is a fault of the protocol to it. */
    MQTT5_PUBACK_PUBREC_CODES: Record<number, string>;
  };
  export = constants;
}
