"""Every module that declares rows, imported: what copies or compares a whole database knows all of its tables then."""
# ruff: noqa: F401

import config.tables
import processor.artwork.tables
import processor.client.circuits
import processor.client.memory
import processor.client.turns
import processor.items.grouping_choices
import processor.matching.rows
import processor.metadata.artists
import processor.metadata.rows
import processor.players.tables
import processor.tables
import processor.verification.rows
import workflow.engine.hosts
import workflow.engine.tables
import workflow.events
import workflow.history
import workflow.plans
import workflow.progress
import workflow.runs
