/** How many workers a relay is to have. `auto`: as many as the machine has cores and memory for. */
export type WorkersSetting = number | 'auto';

/** More of them than any machine has cores for would be a slip. */
export const WORKERS_MAX = 64;
