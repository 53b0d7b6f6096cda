/** What a DMARC record asks of receivers (RFC 9989 section 4.7; it was RFC 7489). */

export interface DmarcPolicy {
  readonly policy: 'none' | 'quarantine' | 'reject';
  /** What it asks for mail of subdomains. */
  readonly subdomainPolicy: 'none' | 'quarantine' | 'reject';
  /** The domain of the signature, or of the envelope sender, has to be that of the From header to the letter. */
  readonly isDkimStrict: boolean;
  readonly isSpfStrict: boolean;
}

/** Whether a TXT record is one of DMARC, be it a good one or not. */
export function isDmarcRecord(text: string): boolean {
  return /^v\s*=\s*DMARC1\s*(?:;|$)/i.test(text);
}

/** Undefined where it asks for nothing that receivers would understand. */
export function readDmarcPolicy(text: string): DmarcPolicy | undefined {
  const tags = new Map<string, string>();
  for (const tag of text.split(';')) {
    const [name = '', ...rest] = tag.split('=');
    // RFC 6376 section 3.2: what is there twice makes the whole of it invalid
    const key = name.trim();
    if (key === '') continue;
    if (tags.has(key)) return undefined;
    tags.set(key, rest.join('=').trim().toLowerCase());
  }
  const policy = policyIn(tags.get('p'));
  const subdomainPolicy = tags.has('sp') ? policyIn(tags.get('sp')) : policy;
  if (policy === undefined || subdomainPolicy === undefined) return undefined;
  return { policy, subdomainPolicy, isDkimStrict: tags.get('adkim') === 's', isSpfStrict: tags.get('aspf') === 's' };
}

function policyIn(value: string | undefined): DmarcPolicy['policy'] | undefined {
  return value === 'none' || value === 'quarantine' || value === 'reject' ? value : undefined;
}
