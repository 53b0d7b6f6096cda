/** Whether the settings file is in force, for Prometheus: on a cluster and in one process. */
import { Gauge, type Registry } from 'prom-client';

export interface SettingsMetrics {
  readonly onTaken: () => void;
  readonly onRefused: () => void;
}

export function createSettingsMetrics(registry: Registry): SettingsMetrics {
  const registers = [registry];
  const refused = new Gauge({
    name: 'smtpplus_settings_file_refused',
    help: '1 while the settings file is wrong, so that the settings before it stay in force',
    registers,
  });
  const timestamp = new Gauge({
    name: 'smtpplus_settings_timestamp_seconds',
    help: 'When the settings in force were taken up',
    registers,
  });
  const onTaken = (): void => {
    refused.set(0);
    timestamp.setToCurrentTime();
  };
  onTaken();
  return { onTaken, onRefused: () => refused.set(1) };
}
