/**
 * Everything that needs a RabbitMQ and leaves it running. It is one file because it takes as long to start one as to run
 * all of this, and files may run in processes of their own.
 */
import "./delays.ts";
import "./errors.ts";
import "./foreign.ts";
import "./healing.ts";
import "./management.ts";
