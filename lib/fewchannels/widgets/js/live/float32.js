// Where a number is rounded as torch rounds it.
export const r = Math.fround;
