/** The `quern` command. Returns the exit code: 0, 1 for a failure, 2 for wrong usage. */
export async function main(args: string[]): Promise<number> {
  console.error(`quern: not yet (${args.join(' ')})`);
  return 2;
}
