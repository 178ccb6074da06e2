import { commentLength, lineStreams, linesMax, orderStreams } from '../constants.ts';
import { dictionaryClerksMax } from '../dictionaries.ts';
import { type KernelConfig, textStyles } from './config.ts';
import { type OrderLayout, orderLayout } from './order-layout.ts';
import { defineFormatLines, defineFormatOrders } from './order-text.ts';
import { defineGenerateOrders, defineWalkOrders } from './orders.ts';
import type { ColumnPlan, GroupPlan, StreamSlot, TablePlan } from './plan.ts';
import { defineStrings, type KernelBuild, reserveText } from './table.ts';
import { commentField, numberedField } from './text-fields.ts';

/** Orders whose text is collected before it is written. */
const ordersPerText = 2048;
/** Upper bounds of the text of an order and of a line. */
const orderBytesMax = 208;
const lineBytesMax = 208;

/** Orders and lines, generated together if both are wanted: they share half of their draws. */
export function defineOrderTables(
  { module, config: { scale, output }, image, arena }: KernelBuild,
  tables: readonly ('orders' | 'lineitem')[],
): GroupPlan {
  const config: KernelConfig = { scale, output, tables };
  const build: KernelBuild = { module, config, image, arena };
  const name = tables[0]!;
  const layout = orderLayout(arena, config);
  const generate = defineGenerateOrders(build, layout, `generate_${name}`);
  const walk = `walk_${name}`;
  if (scale.longStreams) defineWalkOrders(module, layout, walk);
  if (config.output !== 'columns') {
    const style = textStyles[config.output];
    if (config.tables.includes('orders')) {
      defineFormatOrders(module, config, image, layout, style);
    }
    if (config.tables.includes('lineitem')) {
      defineFormatLines(module, config, image, layout, style);
    }
  }
  const long = scale.longStreams;
  const streams: StreamSlot[] = [
    ...Object.entries(orderStreams).map(([name, constant]) => ({
      ...constant,
      slot: layout.orderSlots[name as keyof typeof orderStreams],
      long: long && name === 'customer',
    })),
    ...Object.entries(lineStreams).map(([name, constant]) => ({
      ...constant,
      slot: layout.lineSlots[name as keyof typeof lineStreams],
      long: long && name === 'part',
    })),
  ];
  const plans: TablePlan[] = [];
  if (config.tables.includes('orders')) {
    plans.push({
      name: 'orders',
      format: 'format_orders',
      text: reserveText(build, orderBytesMax, ordersPerText),
      comment: layout.order.comment,
      columns: config.output === 'columns' ? orderColumns(build, layout) : [],
    });
  }
  if (config.tables.includes('lineitem')) {
    plans.push({
      name: 'lineitem',
      format: 'format_lineitem',
      text: reserveText(build, lineBytesMax * linesMax, ordersPerText),
      comment: layout.line.comment,
      columns: config.output === 'columns' ? lineColumns(build, layout) : [],
    });
  }
  return { name, generate, walk, streams, tables: plans };
}

function orderColumns(build: KernelBuild, { order }: OrderLayout): ColumnPlan[] {
  const { clerks } = build.config.scale;
  const clerkText = numberedField('Clerk#', order.clerk, clerks + 1);
  const clerk: ColumnPlan =
    clerks <= dictionaryClerksMax
      ? { form: 'dictionary', column: order.clerkCode, words: 'clerk' }
      : defineStrings(build, 'orders', 6, clerkText);
  const comment = commentField(order.comment, commentLength.orders.max);
  return [
    { form: 'fixed', column: order.key, signed: true },
    { form: 'fixed', column: order.customer, signed: true },
    { form: 'dictionary', column: order.status, words: 'orderStatus' },
    { form: 'fixed', column: order.total, signed: true },
    { form: 'fixed', column: order.day, signed: true },
    { form: 'dictionary', column: order.priority, words: 'orderPriority' },
    clerk,
    { form: 'fixed', column: order.shipPriority, signed: false },
    defineStrings(build, 'orders', 8, comment),
  ];
}

function lineColumns(build: KernelBuild, { line }: OrderLayout): ColumnPlan[] {
  const comment = commentField(line.comment, commentLength.lineitem.max);
  return [
    { form: 'fixed', column: line.orderKey, signed: true },
    { form: 'fixed', column: line.part, signed: true },
    { form: 'fixed', column: line.supplier, signed: true },
    { form: 'fixed', column: line.number, signed: false },
    { form: 'fixed', column: line.quantity, signed: false },
    { form: 'fixed', column: line.price, signed: true },
    { form: 'fixed', column: line.discount, signed: false },
    { form: 'fixed', column: line.tax, signed: false },
    { form: 'dictionary', column: line.returnFlag, words: 'returnFlag' },
    { form: 'dictionary', column: line.lineStatus, words: 'lineStatus' },
    { form: 'fixed', column: line.shipDay, signed: true },
    { form: 'fixed', column: line.commitDay, signed: true },
    { form: 'fixed', column: line.receiptDay, signed: true },
    { form: 'dictionary', column: line.instruction, words: 'shipInstruction' },
    { form: 'dictionary', column: line.mode, words: 'shipMode' },
    defineStrings(build, 'lineitem', 15, comment),
  ];
}
