#!/usr/bin/env node
'use strict';
require('../dist/to-csv.cjs');
