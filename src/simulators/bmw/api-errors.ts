import { randomUUID } from 'node:crypto';

/**
 * The error ids of the CarData API with the HTTP status that each comes with. Statuses beyond the documented ones are those that
 * users saw: a quota that is used up and a container that is gone are both HTTP 403.
 */
export const apiErrors = {
  'CU-100': [401, 'No token was sent'],
  'CU-101': [401, 'The token could not be verified'],
  'CU-102': [401, 'The token has run out'],
  'CU-103': [403, 'The scope of the token is not CarData'],
  'CU-104': [403, 'No permission for this vehicle'],
  'CU-105': [403, 'No permission for this container'],
  'CU-120': [400, 'A VIN has 17 characters, in upper case'],
  'CU-121': [400, 'The format of the container id is wrong'],
  'CU-122': [400, 'The container is already set for deletion'],
  'CU-124': [403, 'There are as many containers as a user may have'],
  'CU-125': [400, 'The pagination token has run out'],
  'CU-126': [404, 'There is no image'],
  'CU-127': [404, 'There are no location based charging settings'],
  'CU-400': [400, 'The request is not valid'],
  'CU-401': [400, 'A parameter is not valid'],
  'CU-402': [400, 'A technical descriptor is not valid'],
  'CU-403': [403, 'Forbidden'],
  'CU-429': [403, 'No request is left of the daily allowance'],
  'CU-500': [500, 'Something went wrong'],
  'CU-503': [503, 'A partner system does not answer'],
} as const satisfies Record<string, readonly [number, string]>;

/** A documented or observed error id. */
export type ApiErrorId = keyof typeof apiErrors;

/** Status and body of an error, in BMW's shape; an id beyond the table is HTTP 400. */
export function apiError(id: string, note = ''): { status: number; body: object } {
  const [status, message] = apiErrors[id as ApiErrorId] ?? [400, 'Not a known error'];
  return {
    status,
    body: { exveErrorId: id, exveErrorRef: randomUUID(), exveErrorMsg: message, exveNote: note },
  };
}
