/** What the global `suspension` of a module holds. The host sets it to `running` or `rewinding`. */
export const suspensionState = { running: 0, unwinding: 1, rewinding: 2 } as const;
