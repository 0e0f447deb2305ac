/* Resolution: names become frame slots, captures or global cells, once, when a text is run. */
#ifndef DBX_LANG_RESOLVE_H
#define DBX_LANG_RESOLVE_H

#include "lang/session.h"

/* How NODE_NAME's `slot` and `cell` are to be read; in Node.as.name.where. */
typedef enum Where { WHERE_LOCAL, WHERE_CAPTURE, WHERE_SELF, WHERE_GLOBAL } Where;

/* A NODE_NAME that is WHERE_GLOBAL has this in `slot` where its function declares it with `global`. */
enum { DECLARED_GLOBAL = 1 };

/* Resolves a chunk in place for a module. Throws on misuse that can be seen without running. */
void resolve(Chunk *chunk, Module *module);

/* Calls report for each name of the resolved chunk that nothing provides. */
void resolve_unknown(Chunk *chunk, void (*report)(Node *name, void *context), void *context);

#endif
