/**
 * Time for everything that waits, in milliseconds since the epoch by the machine's clock when the process began: from
 * then on it runs evenly, whatever that clock is set to, so that no step of it makes mail expire, or wait for hours.
 */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}

/** What the machine's clock says now to be `wallMs`, in steady time. */
export function steadyOf(wallMs: number): number {
  return steadyNow() - (Date.now() - wallMs);
}

/** What the machine's clock said, or is going to say, at that steady time, as it is set now. */
export function wallOf(steadyMs: number): number {
  return Date.now() - (steadyNow() - steadyMs);
}
