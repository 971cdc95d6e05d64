"""An installation → findings, one sentence each: what greenroom doctor shows."""
