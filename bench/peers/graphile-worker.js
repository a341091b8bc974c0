import { openGraphile } from "./graphile.js";

export const tuning = "defaults, 24 jobs at a time, sends over 20 connections";

export const open = (url) => openGraphile(url, { concurrentJobs: 24 });
