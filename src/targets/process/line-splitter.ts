/** Cuts a stream of text into lines. */
export interface LineSplitter {
  write(text: string): void;
  /** Hands over what is left without a line end. */
  end(): void;
}

/** A line that is longer comes in pieces, so that output without line ends cannot fill memory. */
const longestLine = 64 * 1024;

/** A {@link LineSplitter} that calls `onLine` with each line, its line end taken off. */
export function createLineSplitter(onLine: (line: string) => void): LineSplitter {
  let rest = "";
  return {
    write(text) {
      const lines = (rest + text).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) onLine(line.endsWith("\r") ? line.slice(0, -1) : line);
      while (rest.length > longestLine) {
        onLine(rest.slice(0, longestLine));
        rest = rest.slice(longestLine);
      }
    },
    end() {
      if (rest !== "") onLine(rest);
      rest = "";
    },
  };
}
