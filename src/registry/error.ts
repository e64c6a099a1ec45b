import { CommandError, exit } from '../runtime/exit.ts';

/** Why the registry refused: what an API makes its status of. */
export type RegistryFault = 'unknown-device' | 'unknown-vehicle' | 'exists' | 'in-use' | 'transition' | 'invalid';

/** The registry refused a change; nothing was written. Ends a command with exit status 64. */
export class RegistryError extends CommandError {
  readonly fault: RegistryFault;

  constructor(fault: RegistryFault, message: string, next?: string) {
    super(exit.usage, message, next);
    this.fault = fault;
  }
}
