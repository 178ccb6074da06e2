/** Something worth a line in a log: what happened, and to whom. */
export type ServerEvent = { readonly event: string } & Readonly<
  Record<string, string | number | boolean>
>;
