/** Many objects, as fast as the API server makes them. */
import type { Admin, Manifest } from '../operator/support/admin.ts';

const PARALLEL = 16;

export async function createAll(admin: Admin, manifests: readonly Manifest[]): Promise<void> {
  const queue = manifests.values();
  const work = async (): Promise<void> => {
    for (const manifest of queue) await admin.apply(manifest);
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
}
