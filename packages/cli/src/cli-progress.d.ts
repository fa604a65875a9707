/** The part of cli-progress that is used: the package brings no types. */
declare module 'cli-progress' {
  export interface Bar {
    update(value: number, payload?: Readonly<Record<string, string>>): void;
    setTotal(total: number): void;
    stop(): void;
  }
  export class MultiBar {
    constructor(options: {
      readonly stream?: NodeJS.WritableStream;
      readonly format: string;
      readonly hideCursor?: boolean;
      readonly clearOnComplete?: boolean;
      readonly barCompleteChar?: string;
      readonly barIncompleteChar?: string;
      readonly barsize?: number;
      readonly forceRedraw?: boolean;
      readonly gracefulExit?: boolean;
    });
    create(total: number, startValue: number, payload?: Readonly<Record<string, string>>): Bar;
    remove(bar: Bar): boolean;
    /** Writes a line above the bars; it needs its newline. */
    log(line: string): void;
    stop(): void;
  }
}
