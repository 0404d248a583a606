// The only error that a bad file leads to. Its message is for the reader of the page: what is wrong, what to do.
export class RunFileError extends Error {
  constructor(message) {
    super(message);
    this.name = "RunFileError";
  }
}

export function refuse(message) {
  throw new RunFileError(message);
}

// A text of the file inside a message: short, and without what could hide the rest of it.
export function quoted(value) {
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const plain = String(text).replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "�");
  return `"${plain.length > 60 ? `${plain.slice(0, 60)}…` : plain}"`;
}
