#!/usr/bin/env node
'use strict';
require('../dist/voltpipe.cjs');
