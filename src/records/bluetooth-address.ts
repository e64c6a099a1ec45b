const address = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i;

/** Whether a text is a Bluetooth address as records have it, six bytes with colons, in any case of letters. macOS has other names for devices. */
export const isBluetoothAddress = (text: string): boolean => address.test(text);

/** An address in capitals, as records have it; anything else as it is. */
export const inCapitals = (id: string): string => (isBluetoothAddress(id) ? id.toUpperCase() : id);
