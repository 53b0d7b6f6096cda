interface ListPage {
  readonly metadata: { readonly continue?: string };
}

/**
 * The pages of a list, one after the other (API convention: `metadata.continue` of each leads to the next, and is empty in the
 * last). Whoever has seen enough stops asking.
 *
 * @param read is given what leads to the page; undefined: the first one
 */
export async function* listPagesOf<Page extends ListPage>(
  read: (next: string | undefined) => Promise<Page>,
): AsyncGenerator<Page, void> {
  for (let next: string | undefined; ;) {
    const page: Page = await read(next);
    yield page;
    next = page.metadata.continue || undefined;
    if (next === undefined) return;
  }
}
