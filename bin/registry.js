#!/usr/bin/env node
'use strict';
require('../dist/registry.cjs');
