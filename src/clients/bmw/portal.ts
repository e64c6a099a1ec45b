/** Where BMW CarData lives, unless the configuration points at a simulator. */
export const bmwAddresses = {
  auth: 'https://customer.bmwgroup.com',
  api: 'https://api-cardata.bmwgroup.com',
  broker: 'mqtts://customer.streaming-cardata.bmwgroup.com:9000',
} as const;

/** What a user has to do in BMW's portal before the first login; no program can do it for them. */
export const portalSteps = `Before the first login, in BMW's portal (bmw.de or your country's site, My BMW, your vehicle, BMW CarData):
  1. Create a CarData client. Its client id goes to bmw.clientId or --client-id.
  2. Subscribe it to "CarData API" and to "CarData Stream", with a minute between the two clicks.
  3. Under "Configure data stream" choose the values that you want. Only the portal can do that.
  Do not press "Authenticate device" there: bmw-login does that part.
  You must be the primary user of the vehicle, and its ConnectedDrive contract must be active.`;

/** The remedy for a client that got its login before it had its subscriptions. */
export const startOver =
  'Delete the client in the portal, create a new one, subscribe it to "CarData API" and "CarData Stream", wait a minute, then run bmw-login with the new client id.';
