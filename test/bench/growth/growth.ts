/** How something grows with the number of something else: measured at each of some sizes, each in a folder of its own. */
export interface Growth {
  readonly name: string;
  readonly title: string;
  /** What the sizes count. */
  readonly of: string;
  readonly sizes: readonly number[];
  /** Names of the values that are measured, with their units. */
  readonly values: readonly string[];
  readonly measure: (size: number, place: GrowthPlace) => Promise<readonly number[]>;
}

export interface GrowthPlace {
  readonly folder: string;
  /** More of them for the command of the relay. */
  readonly flags: readonly string[];
}
