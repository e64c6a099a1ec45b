/** So many of something, in words: `1 record`, `2 records`, `0 records`. */
export const counted = (count: number, one: string, several = `${one}s`): string =>
  `${count} ${count === 1 ? one : several}`;
