/* Completion: what could stand at the cursor. It looks names up and never calls anything. */
#ifndef DBX_REPL_COMPLETE_H
#define DBX_REPL_COMPLETE_H

#include "base/text.h"
#include "lang/value.h"

typedef struct Candidate {
    const char *text;                 /* what would take the word's place; owned by the pool or constant */
    Value value;                      /* of a name; TAG_UNSET when there is none to show */
    int rank;                         /* lower ones are listed first */
} Candidate;

typedef struct Candidates {
    size_t start;                     /* where the word begins that is to be completed */
    Candidate *at;                    /* by rank, then in the order of the alphabet; scratch */
    uint32_t count, capacity;
    bool files;                       /* names of files, in a string */
    String *call;                     /* the signature of the call around the cursor, or NULL */
} Candidates;

/* For the text before the cursor, which is in `text` at `point`. */
Candidates complete_find(const char *text, size_t point);

/* ---- for the keys ---- */

/* Gives Readline's own commands for completion (M-?, menu-complete) these candidates. */
void complete_begin(void);
/* TAB: completes as far as the candidates agree, and lists them; `again`: shows their signatures. */
int complete_key(int count, int key, bool again);
/* Did completion put the quote that stands before `point` there, as the last thing done? */
bool complete_closed_quote(size_t point);

#endif
