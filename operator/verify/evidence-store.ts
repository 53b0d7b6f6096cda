/** Where evidence is kept. A status is never trusted as input; this is what the operator believes instead. */

export interface EvidenceStore<Entry> {
  /** By `NAMESPACE/NAME` of the VerifiedSender, or `NAMESPACE/ADDRESS` where it is about an address. */
  readonly of: (key: string) => Entry | undefined;
  /** Only what the next process will know, too: for what cannot be found out once more. */
  readonly keptOf: (key: string) => Entry | undefined;
  readonly all: () => Iterable<readonly [string, Entry]>;
  /** Replaces some parts, and leaves the others. Resolves once that is kept; `of` may know it before. */
  readonly keep: (key: string, parts: Partial<Entry>) => Promise<void>;
  readonly forget: (keys: readonly string[]) => Promise<void>;
}
