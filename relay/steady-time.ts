/**
 * Time for all that waits, in milliseconds since the epoch, as the machine's clock was when the process began: it runs on
 * evenly, whatever anybody sets that clock to, so that no step of it makes mail expire, or wait for hours.
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
