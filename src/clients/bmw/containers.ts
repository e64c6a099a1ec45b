import { createHash } from 'node:crypto';
import type { Context } from '../../runtime/context.ts';
import { fail } from '../../runtime/exit.ts';
import { CarDataError, type Container, type RestClient } from './rest.ts';

/** Account → the container that we use: `<data dir>/bmw-containers.json`, so that a run needs no request to find it. */
export type ContainerNotes = Record<string, { id: string; hash: string }>;

const core = [
  'vehicle.drivetrain.batteryManagement.header',
  'vehicle.powertrain.electric.battery.stateOfCharge.displayed',
  'vehicle.drivetrain.electricEngine.charging.status',
  'vehicle.body.chargingPort.status',
  'vehicle.vehicle.travelledDistance',
];

const more = [
  ...core,
  'vehicle.powertrain.electric.battery.charging.power',
  'vehicle.powertrain.electric.battery.stateOfCharge.target',
  'vehicle.drivetrain.electricEngine.charging.timeRemaining',
  'vehicle.drivetrain.electricEngine.kombiRemainingElectricRange',
  'vehicle.drivetrain.batteryManagement.maxEnergy',
  'vehicle.cabin.infotainment.navigation.currentLocation.latitude',
  'vehicle.cabin.infotainment.navigation.currentLocation.longitude',
];

/**
 * What we ask for, from the wish to the least: BMW refuses a whole container for one key that a vehicle or a country doesn't
 * have, and never says which.
 */
export const descriptorLists: readonly (readonly string[])[] = [
  [
    ...more,
    'vehicle.drivetrain.electricEngine.charging.level',
    'vehicle.drivetrain.electricEngine.charging.hvStatus',
    'vehicle.powertrain.tractionBattery.charging.port.anyPosition.isPlugged',
  ],
  more,
  core,
];

const containerName = 'voltpipe';

const hashOf = (descriptors: readonly string[]): string =>
  createHash('sha256').update(descriptors.join('\n')).digest('hex').slice(0, 12);

const purposeOf = (hash: string): string => `voltpipe ${hash}`;
const hashIn = (container: Container): string | undefined =>
  /^voltpipe ([0-9a-f]{12})$/.exec(container.purpose ?? '')?.[1];

/** Whether a shorter list may help: an unknown key, a refusal without a reason, or a server that fell over the list. */
const mayShrink = ({ id, httpStatus }: CarDataError): boolean =>
  id === 'CU-402' || id === 'CU-403' || id === 'CU-500' || httpStatus >= 500;

/** Finds or makes the container that holds our descriptors. */
export interface Containers {
  /** Reads values through the container; makes a new one when BMW has lost it. */
  telematics(vin: string): Promise<unknown>;
}

/** Container management for one account. A container is known again by the hash of its list, which is in its purpose. */
export function createContainers(
  rest: RestClient,
  ctx: Pick<Context, 'state' | 'log'>,
  account: string,
  lists: readonly (readonly string[])[] = descriptorLists,
): Containers {
  const notes = ctx.state<ContainerNotes>('bmw-containers');
  const hashes = lists.map(hashOf);

  const remember = async (id: string, hash: string): Promise<string> => {
    await notes.update((before) => ({ ...before, [account]: { id, hash } }));
    return id;
  };

  /** At BMW's limit of ten: makes room by removing one of ours with a list of old. Never somebody else's. */
  const makeRoom = async (): Promise<void> => {
    const old = (await rest.containers()).find((container) => {
      const hash = hashIn(container);
      return container.name === containerName && hash !== undefined && !hashes.includes(hash);
    });
    if (!old) {
      throw fail(
        'noPermission',
        'container: BMW allows ten for an account, and ten are there',
        'Delete one in the portal.',
      );
    }
    ctx.log.info('container of an older version removed', { container: old.containerId });
    await rest.deleteContainer(old.containerId);
  };

  const create = async (): Promise<string> => {
    let last: CarDataError | undefined;
    for (const [index, technicalDescriptors] of lists.entries()) {
      const hash = hashes[index] as string;
      const make = (): Promise<Container> =>
        rest.createContainer({ name: containerName, purpose: purposeOf(hash), technicalDescriptors });
      try {
        const made = await make().catch(async (error) => {
          if (!(error instanceof CarDataError) || error.id !== 'CU-124') throw error;
          await makeRoom();
          return make();
        });
        return await remember(made.containerId, hash);
      } catch (error) {
        if (!(error instanceof CarDataError) || !mayShrink(error)) throw error;
        last = error;
        ctx.log.warn(`container of ${technicalDescriptors.length} keys: ${error.message}`);
      }
    }
    throw fail('unavailable', `container: ${last?.message ?? 'no list of keys'}`, 'Try again later.');
  };

  const find = async (): Promise<string> => {
    const present = (await rest.containers()).filter(({ state }) => state === undefined || state === 'ACTIVE');
    for (const hash of hashes) {
      const match = present.find((container) => hashIn(container) === hash);
      if (match) return remember(match.containerId, hash);
    }
    return create();
  };

  return {
    async telematics(vin) {
      const noted = (await notes.read())?.[account];
      const id = noted && hashes.includes(noted.hash) ? noted.id : await find();
      try {
        return await rest.telematics(vin, id);
      } catch (error) {
        // Told with HTTP 403, and no matter of permission: the container is gone.
        if (!(error instanceof CarDataError) || error.id !== 'CU-105') throw error;
        ctx.log.info('container is gone, making a new one');
        return rest.telematics(vin, await create());
      }
    },
  };
}
