/** PROXY headers as load balancers write them. */
const SIGNATURE = Buffer.from('0d0a0d0a000d0a515549540a', 'hex');

export function v1(source: string): Buffer {
  const [family, destination] = source.includes(':') ? ['TCP6', '2001:db8::25'] : ['TCP4', '192.0.2.25'];
  return Buffer.from(`PROXY ${family} ${source} ${destination} 40000 587\r\n`);
}

/** `command`: version and command, 0x21 by default; `family`: family and transport, TCP over IPv4 by default. */
export function v2({
  command = 0x21,
  family = 0x11,
  source = [192, 0, 2, 1],
  more = Buffer.alloc(0),
}: { command?: number; family?: number; source?: readonly number[]; more?: Buffer } = {}): Buffer {
  const addresses = Buffer.from([...source, ...source, 0x9c, 0x40, 2, 0x4b]);
  const length = Buffer.alloc(2);
  length.writeUInt16BE(addresses.length + more.length);
  return Buffer.concat([SIGNATURE, Buffer.from([command, family]), length, addresses, more]);
}
