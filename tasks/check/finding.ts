/** One thing a check objects to. */
export interface Finding {
  /** Path from the root of the repository, with forward slashes. */
  file: string;
  /** Counted from 1; absent when the finding is about the whole file. */
  line?: number;
  message: string;
}

export function printFinding(finding: Finding): string {
  const place = finding.line === undefined ? finding.file : `${finding.file}:${finding.line}`;
  return `${place}: ${finding.message}`;
}
