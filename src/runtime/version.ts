declare const VOLTPIPE_VERSION: string | undefined;

/** The version of the package, put in by the build. */
export const version: string = typeof VOLTPIPE_VERSION === 'string' ? VOLTPIPE_VERSION : '0.0.0';
