#!/usr/bin/env node
'use strict';
require('../dist/load.cjs').load('ble-scan');
