/* The tour: scripts/demos/tour.dbx, step by step. */
#ifndef DBX_REPL_TOUR_H
#define DBX_REPL_TOUR_H

#include "repl/commands.h"

/* :tour begins it, or goes on where it was left; :tour STEP begins there. */
void run_tour(Repl *repl, const char *argument);
/* After an input: offers the next line of the tour when one is under way. */
void tour_go_on(Repl *repl);
/* Ctrl-C leaves it. */
void tour_leave(Repl *repl);

/* The whole tour without a reader: what he would see. The exit status. */
int tour_show(Session *session);

#endif
