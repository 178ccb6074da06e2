/**
 * Blocks that died and whose ids and places are to be handed out again later, in the order of their
 * deaths. Columns, because there are many and they live for a while: as objects they would be the
 * garbage collector's main work. Id 0 is no block but a place alone, place 0 a block without one.
 */
export class DeadList {
  length = 0;
  /** How many have a place. */
  placed = 0;
  ids = new Float64Array(64);
  places = new Float64Array(64);
  births = new Float64Array(64);
  deaths = new Float64Array(64);

  push(id: number, place: number, birth: number, death: number): void {
    if (this.length === this.ids.length) this.#grow();
    const at = this.length++;
    this.ids[at] = id;
    this.places[at] = place;
    this.births[at] = birth;
    this.deaths[at] = death;
    if (place !== 0) this.placed++;
  }

  #grow(): void {
    const double = (column: Float64Array) => {
      const larger = new Float64Array(2 * column.length);
      larger.set(column);
      return larger;
    };
    this.ids = double(this.ids);
    this.places = double(this.places);
    this.births = double(this.births);
    this.deaths = double(this.deaths);
  }
}
