import { randomBytes } from 'node:crypto';
import type { Clock } from '../../runtime/clock.ts';
import { apiError } from './api-errors.ts';

/** A container: a list of descriptors that can be asked for. */
interface Container {
  containerId: string;
  name: string;
  purpose: string;
  state: 'ACTIVE' | 'INACTIVE';
  created: string;
  technicalDescriptors: string[];
}

/** What BMW makes of descriptors in a container. */
export interface ContainerManners {
  /** Most containers of a user (BMW: 10). */
  maxContainers: number;
  /** More descriptors than this are refused with CU-403, as a container of the whole catalogue was. */
  maxDescriptors: number;
  /** Descriptors that are not in the catalogue (any longer): one of them fails the whole container with CU-402. */
  unknownDescriptors: readonly string[];
}

/** BMW's manners. */
export const containerManners: ContainerManners = {
  maxContainers: 10,
  maxDescriptors: 200,
  unknownDescriptors: [],
};

/** Status and body of an answer; no body where there is none. */
export interface ApiAnswer {
  status: number;
  body?: unknown;
}

/** The containers of the account. */
export interface Containers {
  create(body: string): ApiAnswer;
  list(): ApiAnswer;
  get(id: string): ApiAnswer;
  remove(id: string): ApiAnswer;
  /** The descriptors of an active container, or the answer that says why there are none. */
  descriptors(id: string): readonly string[] | ApiAnswer;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const newId = (): string => Array.from(randomBytes(13), (byte) => alphabet[byte % alphabet.length]).join('');
const isId = (id: string): boolean => /^[A-Z0-9]{13}$/.test(id);

interface Wanted {
  name: string;
  purpose: string;
  technicalDescriptors: string[];
}

function parseWanted(body: string): Wanted | undefined {
  try {
    const { name, purpose, technicalDescriptors } = JSON.parse(body);
    const named = [name, purpose].every((text) => typeof text === 'string' && text !== '');
    const listed =
      Array.isArray(technicalDescriptors) &&
      technicalDescriptors.length > 0 &&
      technicalDescriptors.every((key) => typeof key === 'string');
    return named && listed ? { name, purpose, technicalDescriptors } : undefined;
  } catch {
    return undefined;
  }
}

/** No container yet. */
export function createContainers(clock: Clock, manners: ContainerManners): Containers {
  const all = new Map<string, Container>();
  const isUnknown = (key: string) => !/^vehicle\.[\w.]+$/.test(key) || manners.unknownDescriptors.includes(key);
  const find = (id: string): Container | ApiAnswer =>
    isId(id) ? (all.get(id) ?? apiError('CU-105')) : apiError('CU-121');

  return {
    create(body) {
      const wanted = parseWanted(body);
      if (!wanted) return apiError('CU-400', 'name, purpose and technicalDescriptors are needed');
      const active = [...all.values()].filter(({ state }) => state === 'ACTIVE');
      if (active.length >= manners.maxContainers) return apiError('CU-124');
      const unknown = wanted.technicalDescriptors.find(isUnknown);
      if (unknown !== undefined) return apiError('CU-402', unknown);
      if (wanted.technicalDescriptors.length > manners.maxDescriptors) return apiError('CU-403');
      const { name, purpose, technicalDescriptors } = wanted;
      const created = new Date(clock.now()).toISOString();
      const container: Container = {
        containerId: newId(),
        name,
        purpose,
        state: 'ACTIVE',
        created,
        technicalDescriptors,
      };
      all.set(container.containerId, container);
      return { status: 201, body: container };
    },
    list() {
      const containers = [...all.values()].map(({ technicalDescriptors: _, ...rest }) => rest);
      return { status: 200, body: { containers } };
    },
    get(id) {
      const found = find(id);
      return 'containerId' in found ? { status: 200, body: found } : found;
    },
    remove(id) {
      const found = find(id);
      if (!('containerId' in found)) return found;
      if (found.state === 'INACTIVE') return { status: 208 };
      found.state = 'INACTIVE';
      return { status: 204 };
    },
    descriptors(id) {
      const found = find(id);
      if (!('containerId' in found)) return found;
      return found.state === 'ACTIVE' ? found.technicalDescriptors : apiError('CU-105');
    },
  };
}
