import type { Field } from '../value/batch.ts';
import type { ColumnLayout, RowGroup } from './layout.ts';
import type { TableSample } from './sample.ts';
import type { SegmentLoader } from './segment-loader.ts';
import type { ColumnStatistics } from './statistics.ts';

/** An immutable version of a table's rows; loading more makes another that shares row groups. */
export interface Table {
  readonly schema: readonly Field[];
  readonly columns: readonly StoredColumn[];
  readonly rowGroups: readonly RowGroup[];
  readonly rowCount: number;
  /** Some rows as they were when the table last grew by much; none of a table in a file. */
  readonly sample?: TableSample | undefined;
  /** Set when the rows lie in a file. */
  readonly loader?: SegmentLoader;
}

export interface StoredColumn {
  readonly layout: ColumnLayout;
  readonly statistics: ColumnStatistics;
}
