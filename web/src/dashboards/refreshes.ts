/* How often a dashboard may ask anew by itself. */

export const REFRESHES: readonly { seconds: number; label: string }[] = [
  { seconds: 0, label: 'Never by itself' },
  { seconds: 5, label: 'Every 5 s' },
  { seconds: 10, label: 'Every 10 s' },
  { seconds: 30, label: 'Every 30 s' },
  { seconds: 60, label: 'Every minute' },
  { seconds: 300, label: 'Every 5 minutes' },
  { seconds: 900, label: 'Every 15 minutes' },
];
