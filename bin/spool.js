#!/usr/bin/env node
'use strict';
require('../dist/spool.cjs');
